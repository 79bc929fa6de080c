import { Router } from 'express'
import { database } from './database.js'

/** GET gives the last 20 notes; POST keeps one. */
export const notes = Router()

notes.get('/', async (_request, response) => {
  response.json(await database('notes').select('id', 'text', 'author').orderBy('id', 'desc').limit(20))
})

notes.post('/', async ({ body }, response) => {
  const { text, author = null } = body ?? {}
  if (typeof text !== 'string' || text === '' || text.length > 1000)
    return response.status(400).json({ error: 'text must be 1 to 1000 characters' })
  if (author !== null && (typeof author !== 'string' || author.length > 100))
    return response.status(400).json({ error: 'author must be at most 100 characters' })
  const [note] = await database('notes').insert({ text, author }).returning(['id', 'text', 'author'])
  response.status(201).json(note)
})
