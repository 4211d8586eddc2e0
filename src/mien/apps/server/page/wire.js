/** The messages of the media socket: docs/streaming.md has them. */

export const PICTURE = 1
export const SOUND = 2
export const INIT = 3
export const FRAGMENT = 4
const HEADER = 16

/** @param {ArrayBuffer} data @returns {{kind: number, key: boolean, duration: number, tick: number, body: Uint8Array<ArrayBuffer>}} */
export function unwrap(data) {
  const head = new DataView(data)
  return {
    kind: head.getUint8(0),
    key: (head.getUint8(1) & 1) === 1,
    duration: head.getUint32(4, true),
    tick: Number(head.getBigUint64(8, true)),
    body: new Uint8Array(data, HEADER),
  }
}

/** Sound of the microphone, int16 at 48 kHz. @param {number} tick @param {Int16Array} samples @returns {ArrayBuffer} */
export function wrapSound(tick, samples) {
  const data = new ArrayBuffer(HEADER + samples.byteLength)
  const head = new DataView(data)
  head.setUint8(0, SOUND)
  head.setUint32(4, samples.length, true)
  head.setBigUint64(8, BigInt(tick), true)
  new Int16Array(data, HEADER).set(samples)
  return data
}

/** @param {string} text @returns {Uint8Array<ArrayBuffer>} */
export function fromHex(text) {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16))
}
