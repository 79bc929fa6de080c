import type { Secret } from './secret.ts'

/** How a host is reached. */
export interface Connection {
  /** Host name or IP address. Default: the host's name, so that a Host block of the user's ssh config applies. */
  readonly address: string
  readonly port?: number
  /** Default: what the user's ssh config says. */
  readonly user?: string
  readonly identityFile?: string
  /** An ssh configuration in place of the user's and the system's. */
  readonly sshConfig?: string
  /** More known_hosts files than the user's own and the environment's. */
  readonly knownHostsFile?: string
  /** How root is reached when `user` is not root. Default: `sudo`. */
  readonly become: 'sudo' | 'none'
  readonly transport: 'openssh' | 'node-ssh' | 'local'
  /** The host is one of this environment's lab. */
  readonly lab?: boolean
}

/** One machine of an inventory, with its variables merged (environment < group < host) and checked by the schema. */
export interface InventoryHost {
  readonly name: string
  readonly groups: readonly string[]
  readonly vars: Readonly<Record<string, unknown>>
  readonly connection: Connection
}

/** The hosts and groups of one environment, in the order of the file. */
export interface Inventory {
  readonly environment: string
  /** The file it came from, relative to the project. */
  readonly file: string
  readonly hosts: readonly InventoryHost[]
  readonly groups: Readonly<Record<string, readonly string[]>>
  /** Those that could be read here, by name. */
  readonly secrets?: Readonly<Record<string, Secret>>
}
