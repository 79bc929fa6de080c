/** The fewest bytes by which a secret can be told from other text: fewer would mask half of what is printed. */
export const SHORTEST_SECRET = 6

/**
 * A value as it may be met in output: as it is, line by line, and as it looks in base64 (at each of the three places it
 * can begin), hex, URLs, JSON, shell words, HTML and our own escapes.
 */
export function formsOf(value: string): readonly string[] {
  // What frames every key is no secret.
  const lines = value
    .split(/\r?\n/)
    .filter((line) => isLong(line.trim()) && !/^-----(BEGIN|END) [A-Z0-9 ]+-----$/.test(line))
  const texts = new Set([value, ...lines])
  const forms = new Set([...texts].filter(isLong).flatMap((text) => [...escapes(text), ...encodings(text)]))
  return [...forms].filter(isLong)
}

function isLong(text: string): boolean {
  return Buffer.byteLength(text) >= SHORTEST_SECRET
}

function escapes(text: string): readonly string[] {
  const json = JSON.stringify(text).slice(1, -1)
  const html = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
  return [
    text,
    text.trim(),
    json,
    json.replace(/[\u007f-\uffff]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`),
    json.replaceAll('/', '\\/'),
    text.replaceAll("'", `'\\''`),
    text.replaceAll("'", `'"'"'`),
    text.replace(/[^A-Za-z0-9_/.:@%+,=-]/g, '\\$&'),
    text.replace(/[\\"$`]/g, '\\$&'),
    text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', '\\n').replaceAll('\t', '\\t'),
    // Languages that write JSON for web pages.
    json.replaceAll('&', '\\u0026').replaceAll('<', '\\u003c').replaceAll('>', '\\u003e'),
    html,
    html.replaceAll('&quot;', '&#34;').replaceAll("'", '&#39;'),
    html.replaceAll("'", '&#39;'),
    html.replaceAll("'", '&#x27;'),
    text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, (character) => {
      return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`
    }),
  ]
}

function encodings(text: string): readonly string[] {
  const bytes = Buffer.from(text)
  const hex = bytes.toString('hex')
  const url = encodeURIComponent(text)
  const strict = url.replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
  const urls = [url, strict, strict.replaceAll('%20', '+'), strict.replaceAll('%2F', '/')]
  const base64 = [0, 1, 2].map((offset) => base64At(bytes, offset))
  return [
    hex,
    hex.toUpperCase(),
    ...urls,
    ...urls.map((one) => one.replace(/%[0-9A-F]{2}/g, (percent) => percent.toLowerCase())),
    ...base64,
    ...base64.map((one) => one.replaceAll('+', '-').replaceAll('/', '_')),
  ]
}

/** The characters of base64 that stand for these bytes alone, where `offset` bytes stand before them in a group of three. */
function base64At(bytes: Buffer, offset: number): string {
  const whole = Buffer.concat([Buffer.alloc(offset), bytes])
  const end = whole.length % 3 === 0 ? undefined : -(whole.length % 3 === 1 ? 3 : 2)
  const text = whole.toString('base64')
  return text.slice(offset === 0 ? 0 : offset + 1, end)
}
