import { Router } from 'express'
import { cached, forget } from './cache.js'
import { database } from './database.js'

/** GET gives the last 20 notes, as they were two seconds ago at most; POST keeps one. */
export const notes = Router()

notes.get('/', async (_request, response) => {
  const last = () => database('notes').select('id', 'text').orderBy('id', 'desc').limit(20)
  response.json(await cached('notes', 2, last))
})

notes.post('/', async ({ body }, response) => {
  const text = body?.text
  if (typeof text !== 'string' || text === '' || text.length > 1000)
    return response.status(400).json({ error: 'text must be 1 to 1000 characters' })
  const [note] = await database('notes').insert({ text }).returning(['id', 'text'])
  await forget('notes')
  response.status(201).json(note)
})
