import { playbook } from 'evenkeel'
import { parallel } from '../inventories/schema.ts'
import { many } from '../roles/many.ts'

export default playbook('60 small tasks', [parallel('files', { on: 'web', tasks: () => many('/srv/many', 60) })])
