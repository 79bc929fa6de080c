/**
 * The fields of one line of HAProxy's statistics: separated by commas, those with odd characters in double quotes, a quote
 * in them twice.
 *
 * @throws Error when a quote is not closed.
 */
export function csvFields(line: string): readonly string[] {
  const fields: string[] = []
  let at = 0
  while (at <= line.length) {
    const [whole, quoted, plain] = /^(?:"((?:[^"]|"")*)"|([^",]*))(?=,|$)/.exec(line.slice(at)) ?? []
    if (whole === undefined) throw new Error(`no statistics: ${JSON.stringify(line.slice(0, 100))}`)
    fields.push(plain ?? quoted?.replaceAll('""', '"') ?? '')
    at += whole.length + 1
  }
  return fields
}
