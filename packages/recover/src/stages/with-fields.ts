/** A protobuf message with other values in some fields. Its prototype holds the defaults of proto2, so a spread would lose them. */
export function withFields<Message extends object>(message: Message, fields: Partial<Message>): Message {
  return Object.assign(Object.create(Object.getPrototypeOf(message)), message, fields);
}
