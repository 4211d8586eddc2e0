/** The page: joins the connection, what is seen and heard, and what the visitor does. */

import { ApiError, call, saved, send } from './api.js'
import { Captions } from './captions.js'
import { Conversation } from './conversation.js'
import { make, the } from './dom.js'
import { Link } from './link.js'
import { Microphone } from './microphone.js'
import { Settings } from './settings.js'
import { Stagehand } from './stagehand.js'
import { StatusView } from './status.js'
import { Tabs } from './tabs.js'
import { Talk } from './talk.js'
import { showTiming } from './timing.js'
import { Turns, spans } from './turns.js'
import { commandIn, currentLanguage, explain, say, setLanguage, translate } from './words.js'

const LOOK_MS = 40
const REPORT_MS = 5000

const settings = new Settings()
const stage = new Stagehand(the('avatar', HTMLElement), settings.wish.alpha === true)
const link = new Link(stage, settings.wish, new URLSearchParams(location.search).get('transport') ?? 'auto')
const microphone = new Microphone(stage.sound)
const talk = new Talk(microphone)
const conversation = new Conversation()
const captions = new Captions((clause) => conversation.heard(clause))
const turns = new Turns(measured)
const status = new StatusView(link)
const tabs = new Tabs(link)

let state = 'idle'
let answering = 0
let stopped = /** @type {number|null} */ (null) // when the visitor stopped the avatar, until it is silent
let recording = ''
let puppeteer = false // whether the server moves the face by the microphone
/** @type {number[]} */
const silences = []

function start() {
  setLanguage(currentLanguage())
  showTiming([])
  talk.show()
  look()
  setInterval(() => captions.look(stage.sound.on ? link.heardTick() : Infinity), LOOK_MS)
  setInterval(report, REPORT_MS)
  tabs.start()
}

// What the server says.

/** @type {Record<string, (event: any, now: number) => void>} */
const heard = {
  state: (event) => {
    state = event.state
    the('picture', HTMLElement).dataset.state = state
    talk.busy(state !== 'idle')
    if (state === 'idle') conversation.over()
  },
  turn: (event, now) => {
    answering = event.turn
    turns.begin(event.turn, now)
    if (event.text) conversation.mine(event.text)
  },
  text: (event, now) => turns.text(event.turn, now),
  caption: (event) => captions.add(event),
  sound: (event, now) => {
    stage.sound.restore()
    turns.told(event.turn, event.at, now)
  },
  cut: (event) => {
    silence(event.at)
    if (event.turn) conversation.cut(event.turn)
  },
  speech_started: () => conversation.partial(say('hearing')),
  partial: (event) => conversation.partial(event.text),
  speech_ended: (event, now) => turns.speaking(Math.min(now, stage.clock.local(event.at) ?? now)),
  heard: (event) => {
    conversation.partial('')
    if (!event.text) talk.remark(say('notUnderstood'))
  },
  said: (event) => event.role === 'assistant' && conversation.said(event.text),
  error: (event) => conversation.fault(explain(event)),
  note: (event) => event.message && talk.remark(/loudness alone/.test(event.message) ? say('noteLoudness') : event.message),
}

link.addEventListener('event', (given) => {
  const event = /** @type {CustomEvent} */ (given).detail
  heard[event.type]?.(event, performance.now())
})

link.addEventListener('session', (given) => {
  const session = /** @type {CustomEvent<import('./types.js').SessionInfo>} */ (given).detail
  settings.session = session.id
  settings.alpha = session.alpha === true
  settings.memory.mode = session.memory ?? 'off'
  puppeteer = false
  puppet()
  conversation.name = session.persona?.name || 'Mien'
  the('name', HTMLElement).textContent = conversation.name
  the('avatar', HTMLElement).setAttribute('aria-label', conversation.name)
  document.title = conversation.name
  the('picture', HTMLElement).style.setProperty('--shape', String((session.size?.[0] || 1) / (session.size?.[1] || 1)))
  const note = session.hearing?.note ?? ''
  the('hearing-note', HTMLElement).hidden = !note
  hearingWords(session.hearing)
  captions.waiting = []
  showRecording('')
})

link.addEventListener('status', () => {
  if (link.status.phase !== 'live') talk.busy(false)
})

stage.addEventListener('shown', (given) => {
  turns.frame(/** @type {CustomEvent} */ (given).detail)
  if (link.status.phase === 'live') the('picture', HTMLElement).classList.add('shown')
})

stage.addEventListener('cut', (given) => silence(/** @type {CustomEvent} */ (given).detail.tick))
stage.sound.addEventListener('ready', () => showSound())
stage.sound.addEventListener('onset', (given) => turns.onset(/** @type {CustomEvent} */ (given).detail.at))
stage.sound.addEventListener('silence', (given) => {
  if (stopped === null) return
  const { at } = /** @type {CustomEvent} */ (given).detail
  link.send({ type: 'latency', turn: answering, silence_ms: Math.max(0, Math.round(at - stopped)) })
  silences.push(at - stopped)
  stopped = null
})

// What the visitor does.

talk.addEventListener('gesture', () => stage.sound.wake())

talk.addEventListener('ask', (given) => {
  const { text } = /** @type {CustomEvent} */ (given).detail
  turns.typing(performance.now())
  if (link.send({ type: 'ask', text })) return
  given.preventDefault()
  talk.remark(say('notSent'))
})

talk.addEventListener('stop', () => {
  if (state === 'idle' && !stage.sound.loud) return
  stopped = stage.sound.loud ? performance.now() : null
  stage.sound.cut()
  link.send({ type: 'interrupt' })
})

talk.addEventListener('press', () => {
  if (stage.sound.loud) stage.sound.cut()
  link.send({ type: 'press' })
})
talk.addEventListener('release', () => link.send({ type: 'release' }))

microphone.addEventListener('change', () => {
  link.microphone(microphone.stream).catch(() => talk.remark(say('micBroken')))
})

settings.addEventListener('dials', (given) => link.send({ type: 'dials', .../** @type {CustomEvent} */ (given).detail.face }))
settings.addEventListener('voice', (given) => {
  link.wish = settings.wish
  link.send({ type: 'voice', .../** @type {CustomEvent} */ (given).detail })
})
settings.addEventListener('mirror', look)
settings.addEventListener('delay', look)
settings.addEventListener('talking', (given) => {
  const { way } = /** @type {CustomEvent} */ (given).detail
  link.wish = settings.wish
  if (way !== 'puppet') link.send({ type: 'hands_free', on: way === 'on' })
  puppet()
  talk.show()
})
settings.addEventListener('monitor', () => look())
settings.addEventListener('background', (given) => {
  const { background, file } = /** @type {CustomEvent} */ (given).detail
  const { session } = link
  link.wish = settings.wish
  if (background === 'transparent' && !file && !session?.alpha) recast()
  else if (file && session) send(`api/sessions/${session.id}/background`, file).catch((error) => talk.remark(error.sentence ?? String(error)))
  else link.send({ type: 'background', background })
  look()
})
settings.addEventListener('recast', () => recast())

tabs.addEventListener('studio', () => {
  microphone.close()
  the('picture', HTMLElement).classList.remove('shown')
})

function recast() {
  stage.packed = settings.wish.alpha === true
  stage.renew()
  the('picture', HTMLElement).classList.remove('shown')
  look()
  link.recast(settings.wish)
}

the('sound-on', HTMLButtonElement).addEventListener('click', () => stage.sound.wake())
the('record', HTMLButtonElement).addEventListener('click', () => toggleRecording())
the('language', HTMLButtonElement).addEventListener('click', () => {
  setLanguage(currentLanguage() === 'zh' ? 'en' : 'zh')
  status.show()
  talk.show()
  hearingWords(link.session?.hearing)
  showTiming(turns.all)
})

/** Tell the server whether the microphone moves the face directly. */
function puppet() {
  const wanted = settings.talking === 'puppet'
  look()
  if (wanted === puppeteer || !link.session) return
  puppeteer = wanted
  call('POST', `api/sessions/${link.session.id}/puppet`, { on: wanted }).catch((error) => talk.remark(error.sentence ?? String(error)))
}

/** What was said before this tick, and is still on its way, is not to be heard. @param {number} tick */
function silence(tick) {
  if (stage.sound.loud) stage.sound.cut()
  link.player?.cut(tick)
  captions.cut(tick)
}

/** @param {import('./turns.js').Turn} turn */
function measured(turn) {
  showTiming(turns.all)
  if (turn.sent || !turn.sound || !turn.frame) return
  turn.sent = true
  const { text, sound, frame } = spans(turn)
  link.send({ type: 'latency', turn: turn.turn, text_ms: text, sound_ms: sound, frame_ms: frame })
}

/** What hears, in the visitor's language, with the server's own command. @param {import('./types.js').SessionInfo['hearing']} [hearing] */
function hearingWords(hearing) {
  const note = hearing?.note ?? ''
  const command = commandIn(note)
  const key = !hearing?.backend ? 'hearsNothing' : hearing.languages.join() === 'en' ? 'hearsEnglish' : ''
  const words = the('hearing-words', HTMLElement)
  if (key && command) words.replaceChildren(say(key), make('code', {}, command))
  else words.textContent = note
}

let reported = { frames: 0, at: 0 }

/** Tell the server's metrics how it looks from here. */
function report() {
  const now = { frames: stage.frames, at: performance.now() }
  const fps = (1000 * (now.frames - reported.frames)) / (now.at - reported.at)
  if (link.status.phase === 'live' && reported.at && !document.hidden) {
    link.send({ type: 'latency', fps: Math.round(10 * fps) / 10, ...(stage.skew === null ? {} : { skew_ms: Math.round(stage.skew) }) })
  }
  reported = now
}

function look() {
  the('avatar', HTMLElement).classList.toggle('mirrored', settings.mirrored)
  the('picture', HTMLElement).classList.toggle('bare', settings.wish.alpha === true && !settings.backdrop.own)
  const puppets = settings.talking === 'puppet'
  stage.sound.aloud(!puppets || settings.monitored)
  const field = the('question', HTMLTextAreaElement)
  field.disabled = the('send', HTMLButtonElement).disabled = puppets
  field.dataset.sayLabel = puppets ? 'puppetField' : 'write'
  translate(/** @type {HTMLElement} */ (field.parentElement))
  link.setPictureDelay(settings.delay)
  showSound()
}

function showSound() {
  the('sound-on', HTMLElement).hidden = stage.sound.on || link.status.phase !== 'live'
}
link.addEventListener('status', showSound)

async function toggleRecording() {
  if (!link.session) return
  const path = `api/sessions/${link.session.id}/recording`
  try {
    const answer = await call(recording ? 'DELETE' : 'POST', path, recording ? undefined : {})
    if (recording) talk.remark(say('recorded'), make('a', { href: await saved(answer.url), download: answer.name }, answer.name))
    showRecording(recording ? '' : 'on')
  } catch (error) {
    talk.remark(say('recordFailed', { detail: error instanceof ApiError ? error.sentence : String(error) }))
  }
}

let recordTimer = 0

/** @param {string} now */
function showRecording(now) {
  recording = now
  const button = the('record', HTMLButtonElement)
  button.setAttribute('aria-pressed', String(Boolean(now)))
  button.dataset.sayLabel = now ? 'recordStop' : 'record'
  button.setAttribute('aria-label', say(button.dataset.sayLabel))
  clearInterval(recordTimer)
  const began = performance.now()
  const show = () => {
    const seconds = Math.floor((performance.now() - began) / 1000)
    the('record-time', HTMLElement).textContent = now ? `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}` : ''
  }
  show()
  if (now) recordTimer = setInterval(show, 1000)
}

// For tests and the console: what is measured, nothing that changes anything.
Object.defineProperty(window, 'mien', { value: { turns, stage, link, silences } })

start()
