/** The two halves of the page: the conversation, and the studio where the server has one. One is there at a time. */

import { call } from './api.js'
import { the } from './dom.js'

const HASH = '#studio'

/** Events: "studio" when the conversation gives way. */
export class Tabs extends EventTarget {
  /** @param {import('./link.js').Link} link */
  constructor(link) {
    super()
    this.link = link
    /** @type {any} what the server offers, null = not asked yet */
    this.offer = null
    /** @type {import('./studio.js').Studio|null} */
    this.studio = null
    the('tab-live', HTMLButtonElement).addEventListener('click', () => (location.hash = ''))
    the('tab-studio', HTMLButtonElement).addEventListener('click', () => (location.hash = HASH))
    addEventListener('hashchange', () => this.show())
    link.addEventListener('session', () => this.#ask().then(() => this.show()))
  }

  get wanted() {
    return location.hash.startsWith(HASH) && Boolean(this.offer?.offered)
  }

  /** The first thing that is shown: the studio if the address names it, else a conversation. */
  async start() {
    if (location.hash.startsWith(HASH)) await this.#ask()
    if (this.wanted) await this.show()
    else this.link.open()
  }

  async show() {
    const { wanted } = this
    const room = /** @type {HTMLElement} */ (document.querySelector('.room'))
    const before = room.dataset.tab === 'studio'
    room.dataset.tab = wanted ? 'studio' : 'live'
    the('studio', HTMLElement).hidden = !wanted
    the('tab-live', HTMLElement).toggleAttribute('aria-current', !wanted)
    the('tab-studio', HTMLElement).toggleAttribute('aria-current', wanted)
    if (wanted) await this.#enter(before)
    else if (before) {
      this.studio?.leave()
      this.link.open()
    }
  }

  /** @param {boolean} already */
  async #enter(already) {
    if (!already) {
      this.dispatchEvent(new Event('studio'))
      this.link.close()
    }
    if (!this.studio) {
      const { Studio } = await import('./studio.js')
      this.studio ??= new Studio(the('studio', HTMLElement), this.offer)
    }
    this.studio.go(decodeURIComponent(location.hash.slice(HASH.length + 1)))
  }

  async #ask() {
    if (this.offer) return
    this.offer = await call('GET', 'api/studio').catch(() => null)
    the('tabs', HTMLElement).hidden = !this.offer?.offered
  }
}
