/** The times of each turn, drawn: a line from the question's end to the first sound and picture. */

import { make, the } from './dom.js'
import { spans } from './turns.js'
import { say } from './words.js'

const SHOWN = 8

/** @param {import('./turns.js').Turn[]} all */
export function showTiming(all) {
  const done = all.filter((turn) => turn.sound || turn.frame).slice(-SHOWN).reverse()
  the('timing-about', HTMLElement).textContent = say(done.length ? 'timingAbout' : 'timingNone')
  the('timing-last', HTMLElement).textContent = done.length ? milliseconds(spans(done[0]).sound ?? spans(done[0]).frame) : ''
  const longest = Math.max(1, ...done.flatMap((turn) => Object.values(spans(turn)).map((ms) => ms ?? 0)))
  the('timing-list', HTMLElement).replaceChildren(...done.map((turn) => row(turn, longest)))
}

/** @param {import('./turns.js').Turn} turn @param {number} longest ms */
function row(turn, longest) {
  const line = make('div', { class: 'span', 'aria-hidden': 'true' })
  const marks = make('div', { class: 'marks' }, make('span', {}, say(turn.by === 'voice' ? 'byVoice' : 'byText')))
  let end = 0
  for (const [name, ms] of Object.entries(spans(turn))) {
    if (ms === null) continue
    end = Math.max(end, ms)
    const dot = make('b')
    dot.style.left = `${(100 * ms) / longest}%`
    line.append(dot)
    marks.append(make('span', {}, `${say(`timing${name[0].toUpperCase()}${name.slice(1)}`)} ${milliseconds(ms)}`))
  }
  const bar = make('i')
  bar.style.width = `${(100 * end) / longest}%`
  line.prepend(bar)
  return make('li', {}, line, marks)
}

/** @param {number|null} ms */
function milliseconds(ms) {
  if (ms === null) return ''
  return ms < 1000 ? say('ms', { n: ms }) : say('seconds', { n: (ms / 1000).toFixed(2) })
}
