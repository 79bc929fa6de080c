import { site, z } from 'evenkeel'

export const { inventory, parallel } = site({
  groups: ['web'],
  vars: z.object({ rev: z.number().default(1) }),
})
