export { setAccess } from './steps/access.ts'
export { cloneStandbys, createPrimary } from './steps/build.ts'
export { repairRegistration, startDaemon, stopDaemon } from './steps/daemon.ts'
export { stopServers } from './steps/fence.ts'
export { dropSlot, removeNode } from './steps/leave.ts'
export {
  followPrimary,
  resetSetting,
  restartPrimary,
  restartServer,
  startPrimary,
  startServer,
} from './steps/mend.ts'
export { pointPgbouncer } from './steps/pooler.ts'
export { promoteStandby, startStandbys } from './steps/promote.ts'
export { type GivenUpData, recloneStandby } from './steps/reclone.ts'
export { rejoinStandby } from './steps/rejoin.ts'
export { switchover } from './steps/switchover.ts'
export { refreshLists, upgradePackages, upgradeServer } from './steps/upgrade.ts'
export { registerWitness } from './steps/witness.ts'
