/**
 * Texts of fixed width as numpy stores them, trailing NULs cut off.
 *
 * @param data `count · width` code points of 4 bytes (`wide`, numpy's `U`) or bytes of UTF-8 (numpy's `S`)
 * @returns the texts, or the offset of the first byte that is no text
 */
export function decodeNumpyText(
  data: Uint8Array,
  layout: { readonly bigEndian: boolean; readonly wide: boolean; readonly width: number; readonly count: number },
): readonly string[] | number {
  const itemBytes = layout.wide ? layout.width * 4 : layout.width;
  const texts: string[] = [];
  for (let i = 0; i < layout.count; i++) {
    const item = data.subarray(i * itemBytes, (i + 1) * itemBytes);
    const text = layout.wide ? fromCodePoints(item, layout.bigEndian) : fromUtf8(item);
    if (text === undefined) return i * itemBytes;
    texts.push(text.replace(/\0+$/, ""));
  }
  return texts;
}

function fromCodePoints(item: Uint8Array, bigEndian: boolean): string | undefined {
  const view = new DataView(item.buffer, item.byteOffset, item.byteLength);
  let text = "";
  for (let at = 0; at < item.length; at += 4) {
    const codePoint = view.getUint32(at, !bigEndian);
    const isSurrogate = codePoint >= 0xd800 && codePoint <= 0xdfff;
    if (codePoint > 0x10ffff || isSurrogate) return undefined;
    text += String.fromCodePoint(codePoint);
  }
  return text;
}

function fromUtf8(item: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(item);
  } catch {
    return undefined;
  }
}
