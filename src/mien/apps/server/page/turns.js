/** How long each turn took, as the browser saw and heard it. */

const MOST = 20
const EARLY = 25 // ms by which sound may be noticed before the word of it arrives

/**
 * @typedef {object} Turn
 * @property {number} turn
 * @property {'voice'|'text'} by
 * @property {number} asked  ms: end of speech, or the key that sent the text
 * @property {number} [text]  first words of the answer
 * @property {number} [sound]  first sound at the loudspeaker
 * @property {number} [frame]  first picture of the answer
 * @property {number} [told]  the server said that sound begins
 * @property {number} [at]  tick of that sound
 * @property {boolean} [sent]
 */

/** onChange: told of a turn when something of it becomes known. */
export class Turns {
  /** @param {(turn: Turn) => void} onChange */
  constructor(onChange) {
    this.onChange = onChange
    /** @type {Turn[]} */
    this.all = []
    this.typed = 0
    this.spoken = 0
  }

  /** @param {number} at ms */
  typing(at) {
    this.typed = at
    this.spoken = 0
  }

  /** @param {number} at ms when speech ended */
  speaking(at) {
    this.spoken = at
    this.typed = 0
  }

  /** @param {number} turn @param {number} now */
  begin(turn, now) {
    const by = this.spoken ? 'voice' : 'text'
    this.all.push({ turn, by, asked: this.spoken || this.typed || now })
    this.spoken = this.typed = 0
    if (this.all.length > MOST) this.all.shift()
  }

  /** @param {number} turn @param {number} now */
  text(turn, now) {
    const found = this.#find(turn)
    if (!found || found.text) return
    found.text = now
    this.onChange(found)
  }

  /** The server has begun to send sound. @param {number} turn @param {number} at tick @param {number} now */
  told(turn, at, now) {
    const found = this.#find(turn)
    if (found) Object.assign(found, { told: now, at })
  }

  /** Sound began at the loudspeaker. @param {number} at ms */
  onset(at) {
    const found = this.all.at(-1)
    if (!found || found.sound || !found.told || at < found.told - EARLY) return
    found.sound = at
    this.onChange(found)
  }

  /** @param {import('./types.js').FrameShown} frame */
  frame({ tick, received, shown }) {
    const found = this.all.at(-1)
    if (!found || found.frame || !found.told || found.at === undefined) return
    if (tick === null ? received < found.told - EARLY : tick < found.at) return
    found.frame = shown
    this.onChange(found)
  }

  /** @param {number} turn */
  #find(turn) {
    return this.all.findLast((one) => one.turn === turn)
  }
}

/** A turn's times in ms after the question's end. @param {Turn} turn */
export function spans(turn) {
  const after = (/** @type {number|undefined} */ at) => (at === undefined ? null : Math.max(0, Math.round(at - turn.asked)))
  return { text: after(turn.text), sound: after(turn.sound), frame: after(turn.frame) }
}
