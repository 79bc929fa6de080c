const INSTALL = '\n[Install]\nWantedBy=multi-user.target\n'
/** A service that runs. */
export const SLEEP = `[Service]\nExecStart=/bin/sleep infinity\n${INSTALL}`
/** Another one. */
export const OTHER = `[Service]\nExecStart=/bin/sleep 9999\n${INSTALL}`
/** A timer that never fires. */
export const TIMER = `[Timer]\nOnCalendar=2099-01-01\nUnit=s-run.service\n[Install]\nWantedBy=timers.target\n`

/** Where a service's own file is. */
export const unitFile = (name: string) => `/etc/systemd/system/${name}.service`
/** Writes down the process of a unit. */
export const noteProcess = (name: string) => `systemctl show -p MainPID ${name} >/srv/c/${name}.pid`
/** What somebody wrote into a unit file by hand. */
export const BY_HAND = '[Service]\nExecStart=/bin/sleep 8888\n'
