/** A host's message without the host's name in front: for places where the name stands already. */
export function ownMessage(host: string, message: string): string {
  return message.startsWith(`${host}: `) ? message.slice(host.length + 2) : message
}
