/** Which clause is being heard: captions wait for their tick. */

/** @typedef {{turn: number, number: number, text: string, at: number, citations: import('./types.js').Citation[]}} Clause */

export class Captions {
  /** @param {(clause: Clause) => void} onHeard  told of each clause when its first sound is heard */
  constructor(onHeard) {
    this.onHeard = onHeard
    /** @type {Clause[]} */
    this.waiting = []
  }

  /** @param {Clause} clause */
  add(clause) {
    this.waiting.push(clause)
    this.waiting.sort((a, b) => a.at - b.at)
  }

  /** What would have been heard from a tick on is not said. Returns the turns that lost words. @param {number} tick */
  cut(tick) {
    const lost = this.waiting.filter((clause) => clause.at >= tick)
    this.waiting = this.waiting.filter((clause) => clause.at < tick)
    return new Set(lost.map((clause) => clause.turn))
  }

  /** Look what is due. @param {number|null} tick  that is heard now, null = nothing is */
  look(tick) {
    while (tick !== null && this.waiting.length && this.waiting[0].at <= tick) {
      this.onHeard(/** @type {Clause} */ (this.waiting.shift()))
    }
  }

  /** Nothing more will be heard, so what waits is shown at once (the sound is off, or its clock unknown). */
  flush() {
    for (const clause of this.waiting.splice(0)) this.onHeard(clause)
  }
}

/** Clauses as a text: spaces between them where the writing has some. @param {string} before @param {string} text */
export function joined(before, text) {
  const spaced = before && before.charCodeAt(before.length - 1) < 0x2e80 && text.charCodeAt(0) < 0x2e80
  return before + (spaced ? ' ' : '') + text
}
