export { setAccess } from './steps/access.ts'
export { cloneStandbys, createPrimary, recloneStandby } from './steps/build.ts'
export {
  dropSlot,
  followPrimary,
  pointPgbouncer,
  rejoinStandby,
  removeNode,
  repairRegistration,
  resetSetting,
  restartServer,
  startDaemon,
  startServer,
  stopDaemon,
} from './steps/mend.ts'
export { switchover } from './steps/switchover.ts'
