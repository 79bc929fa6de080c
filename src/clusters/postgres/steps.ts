export { setAccess } from './steps/access.ts'
export { cloneStandbys, createPrimary, recloneStandby } from './steps/build.ts'
export { startDaemon, stopDaemon } from './steps/daemons.ts'
export {
  dropSlot,
  followPrimary,
  pointPgbouncer,
  rejoinStandby,
  removeNode,
  repairRegistration,
  resetSetting,
  restartPrimary,
  restartServer,
  startPrimary,
  startServer,
} from './steps/mend.ts'
export { switchover } from './steps/switchover.ts'
