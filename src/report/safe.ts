/**
 * A text as it may reach a terminal or a log: every control character but newline and tab is shown as an escape, so
 * that nothing a host says moves the cursor, changes colours or sets a clipboard.
 */
export function safeText(text: string | Buffer): string {
  const string = typeof text === 'string' ? text : text.toString('utf8')
  return string.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, shownEscape)
}

/** Like `safeText`, on one line. */
export function safeLine(text: string | Buffer): string {
  return safeText(text).replaceAll('\n', '\\n').replaceAll('\t', ' ')
}

/** The first line of a text, for a table. */
export function safeHead(text: string): string {
  return safeLine(text.trim().split('\n')[0] ?? '')
}

function shownEscape(character: string): string {
  const code = character.charCodeAt(0)
  return code < 256 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16)}`
}
