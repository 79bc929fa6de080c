/** The value of a keyword; `true` and `false` are yes and no. */
export type SshdValue = string | number | boolean | readonly (string | number)[]

/** Keywords of sshd_config(5) and their values. */
export type SshdSettings = Readonly<Record<string, SshdValue>>

/** Of these sshd adds up all lines, one value in each. */
const ADDED = [
  ...['port', 'listenaddress', 'hostkey', 'hostcertificate', 'acceptenv', 'subsystem'],
  ...['allowusers', 'denyusers', 'allowgroups', 'denygroups'],
]

/** Several values of these are one word with commas; of all others, words of one line. */
const COMMAS = /^(ciphers|macs|.*algorithms|pubkeyauthoptions|logverbose)$/

/** What is wrong with settings, in a sentence. */
export function invalidSettings(settings: SshdSettings): string | undefined {
  const pairs = Object.entries(settings)
  if (pairs.length === 0) return 'settings must name at least one keyword'
  const bad = pairs.find(([keyword]) => !/^[A-Za-z][A-Za-z0-9]{0,63}$/.test(keyword))
  if (bad) return `${JSON.stringify(bad[0])} cannot be a keyword of sshd`
  const block = pairs.find(([keyword]) => /^(match|include)$/i.test(keyword))
  if (block) return `${block[0]} is no setting: keep it in a file of its own`
  const keywords = pairs.map(([keyword]) => lower(keyword))
  const twice = pairs.find(([keyword], at) => keywords.indexOf(lower(keyword)) !== at)
  if (twice) return `${twice[0]} is set twice: keywords are the same in capitals and small letters`
  return pairs.map(([keyword, value]) => invalidValue(keyword, value)).find(Boolean)
}

function invalidValue(keyword: string, value: SshdValue): string | undefined {
  const items: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (items.length === 0) return `${keyword} must have at least one value`
  const types = Array.isArray(value) ? ['string', 'number'] : ['string', 'number', 'boolean']
  const fits = items.every((item) => types.includes(typeof item) && /^[^\n\r\0]*\S[^\n\r\0]*$/.test(String(item)))
  return fits ? undefined : `${keyword} must be one line of text, a number, true, false, or a list of texts and numbers`
}

/** The lines of a file that says these settings. */
export function settingLines(settings: SshdSettings): readonly string[] {
  return Object.entries(settings).flatMap(([keyword, value]) => {
    if (typeof value === 'boolean') return [`${keyword} ${value ? 'yes' : 'no'}`]
    const items = (Array.isArray(value) ? value : [value]).map((item) => String(item).trim())
    if (ADDED.includes(lower(keyword))) return items.map((item) => `${keyword} ${item}`)
    return [`${keyword} ${items.join(COMMAS.test(lower(keyword)) ? ',' : ' ')}`]
  })
}

/** A keyword as sshd itself tells it. */
export function lower(keyword: string): string {
  return keyword.toLowerCase()
}
