import type { DeployConfig } from 'evenkeel'

export default { playbook: 'site' } satisfies DeployConfig
