/** What DigitalOcean's API says of a load balancer, as far as it matters here. */
export interface LoadBalancer {
  readonly droplets: ReadonlySet<number>
  /** Seconds until it has seen that a droplet is not well, and that it is well again. */
  readonly leave: number
  readonly enter: number
}

/**
 * Reads the answer to `GET /v2/load_balancers/ID`.
 *
 * @throws Error when it is not `active`, when a tag says which droplets it has, and when this is no such answer.
 */
export function readLoadBalancer(text: string): LoadBalancer {
  const { load_balancer: said } = object(parsed(text), 'answer')
  const balancer = object(said, 'load_balancer')
  const { status, tag, droplet_ids: droplets } = balancer
  // While it is changed it takes no other change, and what it lists may not be what it does.
  if (status !== 'active') throw new Error(`the load balancer is ${JSON.stringify(status)}, not active`)
  if (typeof tag === 'string' && tag.trim() !== '')
    throw new Error(
      `the load balancer takes its droplets by the tag ${JSON.stringify(tag)}: none of them can be taken out; give it a list of droplets`,
    )
  if (!Array.isArray(droplets) || !droplets.every(Number.isSafeInteger)) throw new Error('the API said no droplet_ids')
  const check = object(balancer.health_check, 'health_check')
  const interval = seconds(check, 'check_interval_seconds')
  return {
    droplets: new Set<number>(droplets),
    leave: (seconds(check, 'unhealthy_threshold') + 1) * interval,
    enter: (seconds(check, 'healthy_threshold') + 1) * interval,
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Error(`the API answered no JSON: ${JSON.stringify(text.slice(0, 100))}`)
  }
}

function object(value: unknown, name: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) throw new Error(`the API said no ${name}`)
  return value as Readonly<Record<string, unknown>>
}

function seconds(check: Readonly<Record<string, unknown>>, field: string): number {
  const value = check[field]
  if (typeof value === 'number' && value >= 1 && value <= 1000) return value
  throw new Error(`the API said ${JSON.stringify(value)} as ${field}`)
}
