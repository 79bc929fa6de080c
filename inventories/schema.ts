// The one place where this site's groups and variables are named.
import { site } from 'evenkeel'
import { z } from 'zod'

export const { inventory, parallel, once } = site({
  groups: ['app'],
  vars: z.object({
    domain: z.string(),
    port: z.number().default(3000),
  }),
})
