import { Packr } from "msgpackr";

/** How messages of one kind are turned into bytes and back. */
export interface Codec<Message> {
  encode(message: Message): Uint8Array<ArrayBuffer>;
  decode(bytes: Uint8Array): Message;
}

/** MessagePack with msgpackr's extension for typed arrays, which come out as copies of their own, of the same class. */
export function codec<Message>(): Codec<Message> {
  // A packer keeps the largest buffer it ever needed; one for each message keeps none.
  const packer = () => new Packr({ useRecords: false, moreTypes: true });
  return {
    encode: (message) => Uint8Array.from(packer().pack(message)),
    decode: (bytes) => packer().unpack(bytes) as Message,
  };
}
