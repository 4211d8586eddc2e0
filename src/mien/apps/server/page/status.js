/** The state of the connection, in words: a line at the top, and a banner where something is to be known or done. */

import { setToken } from './api.js'
import { the } from './dom.js'
import { knows, say } from './words.js'

const QUIET_REASONS = ['socketChosen']
const TELL_ALL = ['tokenWrong', 'full', 'fullToken', 'tooOften'] // our words say all that the server's sentence does
const SOFT_MS = 20000 // that a banner without anything to do stays

export class StatusView {
  /** @param {import('./link.js').Link} link */
  constructor(link) {
    this.link = link
    this.line = the('status', HTMLElement)
    this.banner = the('banner', HTMLElement)
    this.form = the('token-form', HTMLFormElement)
    this.retry = the('retry', HTMLButtonElement)
    link.addEventListener('status', () => this.show())
    this.retry.addEventListener('click', () => link.open())
    this.closer = the('banner-close', HTMLButtonElement)
    this.closer.addEventListener('click', () => this.#dismiss())
    this.dismissed = ''
    this.form.addEventListener('submit', (event) => {
      event.preventDefault()
      const field = the('token', HTMLInputElement)
      setToken(field.value)
      field.value = ''
      link.open()
    })
  }

  show() {
    const { status } = this.link
    clearInterval(this.counter)
    this.line.dataset.phase = status.phase
    this.left = Math.ceil(status.seconds)
    this.#line(status)
    if (status.seconds >= 1) this.counter = setInterval(() => this.#count(status), 1000)
    this.#banner(status)
    const picture = the('picture', HTMLElement)
    const live = status.phase === 'live'
    picture.dataset.phase = status.phase
    picture.classList.toggle('lost', !live && status.phase !== 'connecting')
    the('waiting-words', HTMLElement).textContent = this.#short(status)
  }

  /** @param {import('./types.js').Status} status */
  #count(status) {
    this.left = Math.max(0, (this.left ?? 0) - 1)
    this.#line(status)
  }

  /** @param {import('./types.js').Status} status */
  #line(status) {
    the('status-words', HTMLElement).textContent = this.#short(status)
  }

  /** @param {import('./types.js').Status} status */
  #short({ phase, path, reason }) {
    if (phase === 'live') return path === 'socket' ? say('liveSocket') : say('live')
    if (phase === 'connecting') return say(path === 'socket' ? 'connectingSocket' : 'connecting')
    if (phase === 'starting') return say('starting')
    if (phase === 'retrying' && this.left) return say('retrying', { n: this.left })
    return phase === 'retrying' ? say('connecting') : say(reason)
  }

  /** @param {import('./types.js').Status} status */
  #banner({ phase, path, reason, detail }) {
    const soft = phase === 'live' || phase === 'connecting'
    if (!soft) this.dismissed = ''
    const known = QUIET_REASONS.includes(reason) || reason === this.dismissed
    const wanted = reason !== '' && !known && (phase !== 'connecting' || path === 'socket')
    clearTimeout(this.fading)
    this.line.title = soft && reason ? [say(reason), say(`${reason}More`)].join(': ') : ''
    this.banner.hidden = !wanted
    if (!wanted) return
    if (phase === 'live') this.fading = setTimeout(() => this.#dismiss(), SOFT_MS)
    this.closer.hidden = !soft
    this.banner.dataset.tone = soft ? 'calm' : 'alarm'
    the('banner-title', HTMLElement).textContent = sentence(say(reason))
    the('banner-more', HTMLElement).textContent = knows(`${reason}More`) ? say(`${reason}More`) : ''
    the('banner-detail', HTMLElement).textContent = TELL_ALL.includes(reason) ? '' : detail
    this.form.hidden = phase !== 'token'
    this.retry.hidden = phase !== 'retrying' && phase !== 'refused'
  }

  #dismiss() {
    clearTimeout(this.fading)
    this.dismissed = this.link.status.reason
    this.banner.hidden = true
  }
}

/** With a full stop, which headings have none of. @param {string} text */
function sentence(text) {
  if (/[.。!?！？]$/.test(text)) return text
  return text + (/[\u3040-\u9fff]/.test(text) ? '。' : '.')
}
