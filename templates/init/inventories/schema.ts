// The one place where this site's groups and variables are named. Every inventory is checked by it, and every playbook
// knows its names and types.
import { site } from 'evenkeel'
import { z } from 'zod'

export const { inventory, parallel, once, rolling, cluster } = site({
  groups: ['app'],
  vars: z.object({
    folder: z.string().default('/srv/hello'),
    greeting: z.string(),
  }),
})
