/** Options of every apt call that only looks: no lock, and no cache written. */
export const LOOK = [
  '-o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache=',
  '-o Dir::Log::Planner=/dev/null -o Debug::NoLocking=1',
].join(' ')

/** Options of every apt call that acts: no question, changed configuration files stay, waits have bounds. */
export const ACT = [
  '-y -q -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold',
  '-o DPkg::Lock::Timeout=60 -o Acquire::Retries=1',
  '-o Acquire::http::Timeout=10 -o Acquire::https::Timeout=10 -o Acquire::ftp::Timeout=10',
].join(' ')
