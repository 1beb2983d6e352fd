/** A message of a model with other values in some fields. Its prototype holds the defaults, which a spread would lose. */
export function changed<Message extends object>(message: Message, fields: Partial<Message>): Message {
  return Object.assign(Object.create(Object.getPrototypeOf(message)), message, fields);
}
