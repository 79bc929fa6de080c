/**
 * A text as a literal of SQL, for servers and for psql with `standard_conforming_strings` on.
 *
 * @throws Error when the text holds a NUL character, which PostgreSQL cannot keep.
 */
export function literal(text: string): string {
  if (text.includes('\0')) throw new Error('a NUL character cannot be part of a text in SQL')
  return `'${text.replaceAll("'", "''")}'`
}

/** Texts as an array of SQL. */
export function literals(texts: readonly string[]): string {
  return `array[${texts.map(literal).join(', ')}]::text[]`
}

/**
 * psql's command that goes on in another database of the same server. Its argument is a connection string, whose quotes
 * psql reads twice: as its own and as those of an identifier.
 */
export function connect(database: string): string {
  const target = `dbname='${database.replaceAll(/[\\']/g, '\\$&')}'`
  const argument = target
    .replaceAll('\\', '\\\\')
    .replaceAll("'", "''")
    .replaceAll(/"+/g, (quotes) => `"${quotes}${quotes}"`)
    .replaceAll('\n', '\\n')
  return `\\connect '${argument}'`
}
