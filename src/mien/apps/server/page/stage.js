/**
 * Only the avatar, with true transparency: for OBS browser sources. ?avatar=…&voice=…&language=…&mirror=1&token=…
 * &session=… shows a session that another page has opened, with a transparent background. */

import { the } from './dom.js'
import { Link } from './link.js'
import { Stagehand } from './stagehand.js'
import { knows, say } from './words.js'

const PATIENCE = 4000 // ms that something may be wrong before it is said into the picture

const query = new URLSearchParams(location.search)
const given = (/** @type {string} */ name) => query.get(name) || undefined

const avatar = the('avatar', HTMLElement)
const stage = new Stagehand(avatar, true)
const session = given('session')
const wish = {
  avatar: given('avatar'), voice: given('voice'), language: given('language'), persona: given('persona'),
  background: 'transparent', alpha: true,
}
const link = new Link(stage, wish, given('transport') ?? 'auto')
let saying = 0

avatar.classList.toggle('mirrored', query.get('mirror') === '1')

link.addEventListener('status', () => {
  const { phase, reason, detail } = link.status
  clearTimeout(saying)
  if (phase === 'live') the('status', HTMLElement).textContent = ''
  else if (reason) saying = setTimeout(() => tell(`${say(reason)} ${knows(`${reason}More`) ? say(`${reason}More`) : detail}`), PATIENCE)
})

link.addEventListener('event', (one) => {
  const event = /** @type {CustomEvent} */ (one).detail
  if (event.type === 'cut') {
    if (stage.sound.loud) stage.sound.cut()
    link.player?.cut(event.at)
  } else if (event.type === 'sound') stage.sound.restore()
})
stage.addEventListener('cut', (one) => link.player?.cut(/** @type {CustomEvent} */ (one).detail.tick))
for (const kind of ['pointerdown', 'keydown']) addEventListener(kind, () => stage.sound.wake())

/** @param {string} text */
function tell(text) {
  the('status', HTMLElement).textContent = text
}

Object.defineProperty(window, 'mien', { value: { stage, link } })
stage.sound.wake() // OBS lets sound play without a click
if (session) link.adopt(session)
link.open()
