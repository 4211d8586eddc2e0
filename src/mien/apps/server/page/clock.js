/** Ticks of the session (1/48000 s) and this machine's milliseconds. */

export const TICKS_PER_MS = 48
const KEPT = 40

/** Learns from things that arrive as soon as they are sent; the quickest of the latest tell the truth best. */
export class TickClock {
  /** @type {number[]} */
  #offsets = []
  #rough = /** @type {number|null} */ (null)

  /** Something with this tick was sent just now and has arrived. @param {number} tick @param {number} at ms */
  note(tick, at) {
    this.#offsets.push(at - tick / TICKS_PER_MS)
    if (this.#offsets.length > KEPT) this.#offsets.shift()
  }

  /** An event of about this tick has arrived: good enough until something exact does. @param {number} tick @param {number} at */
  noteRoughly(tick, at) {
    this.#rough = at - tick / TICKS_PER_MS + 40 // events name the moment that is being made, about a frame ahead
  }

  reset() {
    this.#offsets = []
    this.#rough = null
  }

  /** When a tick was or will be sent, ms; null = nothing is known yet. @param {number} tick */
  local(tick) {
    const offset = this.#offset()
    return offset === null ? null : offset + tick / TICKS_PER_MS
  }

  /** The tick that is sent at a time. @param {number} at ms */
  tick(at) {
    const offset = this.#offset()
    return offset === null ? null : (at - offset) * TICKS_PER_MS
  }

  #offset() {
    return this.#offsets.length ? Math.min(...this.#offsets) : this.#rough
  }
}
