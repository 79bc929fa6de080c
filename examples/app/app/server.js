import { readFileSync } from 'node:fs'
import express from 'express'
import { cacheAnswers, closeCache } from './cache.js'
import { database, databaseAnswers } from './database.js'
import { notes } from './notes.js'

const { version } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'))
const app = express().disable('x-powered-by')
let stopping = false

// While the process stops, a client is told to come back by a new connection, which another process takes.
app.use((_request, response, next) => {
  if (stopping) response.set('Connection', 'close')
  next()
})
app.get('/version', (_request, response) => response.json({ version }))
app.get('/healthz', async (_request, response) => response.sendStatus((await databaseAnswers()) ? 200 : 503))
app.get('/api/cache', async (_request, response) => response.json({ answers: await cacheAnswers() }))
app.use('/api/notes', express.json(), notes)

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1')
// Longer than nginx keeps an idle connection to it (60 s), so that it is never this side that hangs up on a request.
server.keepAliveTimeout = 75_000

process.once('SIGTERM', stop)
process.once('SIGINT', stop)

/** Takes no new connection, answers what it has begun, and ends; after ten seconds in any case. */
function stop() {
  stopping = true
  const idle = setInterval(() => server.closeIdleConnections(), 100)
  server.close(async () => {
    clearInterval(idle)
    closeCache()
    await database.destroy()
  })
  setTimeout(() => process.exit(1), 10_000).unref()
}
