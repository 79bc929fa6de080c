import { dataNodes, streams, type World, writers } from './world.ts'

/** Whether everything holds that the proof asks for, of the nodes that can be seen. */
export function whole(world: World): boolean {
  const seen = dataNodes(world).filter(({ reachable }) => reachable)
  const [primary, second] = writers(world).filter(({ reachable }) => reachable)
  return (
    second === undefined &&
    seen.every((node) => {
      const streaming = node === primary || (streams(world, node) && node.upstream === primary?.host && node.slotted)
      const { answers, target, paused, follower } = node.pooler
      return streaming && node.daemon.active && answers && target === primary?.host && !paused && follower
    })
  )
}
