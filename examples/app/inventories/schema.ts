// The one place where this site's groups, variables and secrets are named.
import { type SiteOf, site } from 'evenkeel'
import { z } from 'zod'

export const { inventory, parallel, once, cluster, rolling } = site({
  groups: ['lb', 'app'],
  vars: z.object({ domain: z.string() }),
  secrets: ['caKey', 'dbPassword', 'replicationPassword', 'redisPassword'],
})

/** What phases are given of it. */
export type Site = SiteOf<typeof inventory>
