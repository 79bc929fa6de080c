import type { ClusterStep } from '../../model/cluster.ts'
import type { Intent } from './intents.ts'
import type { Desired } from './model.ts'
import {
  createSet,
  endServer,
  failOver,
  followMaster,
  joinSet,
  moveAside,
  promoteReplica,
  removeNode,
  resetSentinel,
  restartSentinel,
  restartServer,
  rotatePassword,
  setSettings,
  startSentinel,
  startServer,
  waitForSentinel,
  watchMaster,
} from './steps.ts'

/** The step by which something is done. */
export function stepOf(desired: Desired, intent: Intent): ClusterStep {
  switch (intent.do) {
    case 'create set':
      return createSet(desired, intent.master, intent.others, intent.why)
    case 'wait for sentinel':
      return waitForSentinel(desired, intent.nodes, intent.why)
    case 'join set':
      return joinSet(desired, intent.node, intent.master, intent.why, intent.givenUp)
    case 'start server':
      return startServer(desired, intent.node, intent.why)
    case 'end server':
      return endServer(intent.node, intent.why)
    case 'start sentinel':
      return startSentinel(intent.node, intent.why)
    case 'move aside':
      return moveAside(intent.node, intent.why)
    case 'follow master':
      return followMaster(desired, intent.node, intent.master, intent.why, intent.given)
    case 'promote replica':
      return promoteReplica(desired, intent)
    case 'watch master':
      return watchMaster(desired, intent.nodes, intent.master, intent.why, intent.stray)
    case 'reset sentinel':
      return resetSentinel(desired, intent.node, intent.why)
    case 'set settings':
      return setSettings(desired, intent.node, intent.names, intent.why)
    case 'restart server':
      return restartServer(desired, intent.node, intent.why)
    case 'restart sentinel':
      return restartSentinel(desired, intent.node, intent.why)
    case 'fail over':
      return failOver(desired, intent.from, intent.to, intent.why)
    case 'remove node':
      return removeNode(intent)
    case 'rotate password':
      return rotatePassword(desired, intent)
  }
}
