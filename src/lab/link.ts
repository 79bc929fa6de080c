import { DeployError } from '../model/error.ts'
import { outcome, output } from './child.ts'
import { type LabNames, linkBelongsTo } from './names.ts'
import { bridgeAddress, chooseSubnet, parseBlock, subnetFree } from './subnet.ts'

interface Link {
  readonly ifname: string
  readonly operstate?: string
  readonly flags?: readonly string[]
  readonly addr_info?: readonly { readonly local?: string; readonly prefixlen?: number }[]
}

/** Names of the machine's links that belong to the lab with this id. */
export async function labLinks(id: string): Promise<string[]> {
  const links = await ipJson<Link>(['link', 'show'])
  return links.map((link) => link.ifname).filter((name) => linkBelongsTo(id, name))
}

/** Removes a link; does nothing when there is none, or when the kernel takes it away meanwhile with its namespace. */
export async function removeLink(name: string): Promise<void> {
  const { code, stderr } = await outcome(['ip', 'link', 'delete', name])
  if (code === 0 || !(await linkExists(name))) return
  throw new DeployError({ code: 'E_LAB_NETWORK', message: `lab: cannot remove link ${name}: ${stderr.trim()}` })
}

async function linkExists(name: string): Promise<boolean> {
  const links = await ipJson<Link>(['link', 'show'])
  return links.some((link) => link.ifname === name)
}

/** Plugs a link in or out. */
export async function setLink(name: string, up: boolean): Promise<void> {
  await output(['ip', 'link', 'set', name, up ? 'up' : 'down'])
}

/** True when the link exists and is switched off by hand. */
export async function linkCut(name: string): Promise<boolean> {
  const { code, stdout } = await outcome(['ip', '-j', 'link', 'show', name])
  const [link] = code === 0 ? (JSON.parse(stdout) as Link[]) : []
  return link !== undefined && !(link.flags ?? []).includes('UP')
}

/**
 * Makes the lab's bridge with its address unless it is there, and gives its network (`10.170.3`).
 *
 * `wanted` is the network the lab had before; its hosts keep their addresses for life. Only to be called under the
 * machine's network lock. Throws `E_LAB_NETWORK` when no network is free, or the wanted one is taken by now.
 */
export async function makeBridge({ id, bridge, bridgeMac }: LabNames, wanted: string | undefined): Promise<string> {
  const links = await ipJson<Link>(['addr', 'show'])
  const mine = links.find((link) => link.ifname === bridge)
  const address = mine?.addr_info?.find((info) => info.local?.startsWith('10.'))?.local
  if (address && (wanted === undefined || address === bridgeAddress(wanted))) return address.replace(/\.\d+$/, '')
  if (mine) await removeLink(bridge)
  const subnet = freeSubnet(await usedBlocks(), id, wanted)
  await output(['ip', 'link', 'add', bridge, 'address', bridgeMac, 'type', 'bridge'])
  await output(['ip', 'link', 'set', bridge, 'addrgenmode', 'none'])
  await output(['ip', 'addr', 'add', `${bridgeAddress(subnet)}/24`, 'dev', bridge])
  await setLink(bridge, true)
  return subnet
}

function freeSubnet(used: readonly string[], id: string, wanted: string | undefined): string {
  const blocks = used.flatMap((text) => parseBlock(text) ?? [])
  if (wanted !== undefined && subnetFree(wanted, blocks)) return wanted
  const subnet = wanted === undefined ? chooseSubnet(used, id) : undefined
  if (subnet !== undefined) return subnet
  throw new DeployError({
    code: 'E_LAB_NETWORK',
    message: wanted ? `lab: its network ${wanted}.0/24 is used by something else by now` : 'lab: no free /24 network',
    hint: wanted ? 'Make the lab anew: deploy lab down ENV, then deploy lab up ENV' : 'Take down labs not needed.',
  })
}

async function usedBlocks(): Promise<string[]> {
  const routes = await ipJson<{ dst?: string }>(['route', 'show', 'table', 'all'])
  const links = await ipJson<Link>(['addr', 'show'])
  const infos = links.flatMap((link) => link.addr_info ?? [])
  const addresses = infos.map((info) => `${info.local}/${info.prefixlen}`)
  return [...routes.flatMap((route) => route.dst ?? []), ...addresses]
}

async function ipJson<T>(args: readonly string[]): Promise<T[]> {
  const text = await output(['ip', '-j', ...args])
  return text.trim() === '' ? [] : (JSON.parse(text) as T[])
}
