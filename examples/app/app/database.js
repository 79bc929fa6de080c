import knex from 'knex'
import config from './knexfile.js'

/** The pool of connections to PostgreSQL. */
export const database = knex(config)

/** Whether PostgreSQL answers within two seconds. */
export async function databaseAnswers() {
  try {
    await database.raw('select 1').timeout(2000)
    return true
  } catch {
    return false
  }
}
