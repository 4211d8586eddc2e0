/** The project's file as it stands, with line numbers and what is wrong in which line. */

import { make } from './dom.js'
import { say } from './words.js'

export class FileView extends EventTarget {
  /** Events: "scene" {number} when the cursor is in another one. @param {import('./studio-project.js').Project} project */
  constructor(project) {
    super()
    this.project = project
    this.area = make('textarea', { class: 'code', spellcheck: 'false', autocomplete: 'off', autocapitalize: 'off', wrap: 'off', 'data-key': 'file' })
    this.gutter = make('div', { class: 'gutter', 'aria-hidden': 'true' })
    this.element = make('div', { class: 'file-view' }, make('div', { class: 'file-scroll' }, this.gutter, this.area))
    this.area.addEventListener('input', () => {
      project.type(this.area.value)
      this.#number()
    })
    this.area.addEventListener('keydown', (event) => this.#key(event))
    for (const kind of ['keyup', 'click']) this.area.addEventListener(kind, () => this.#cursor())
    project.addEventListener('text', () => this.show())
    project.addEventListener('problems', () => this.#number())
    this.render()
    this.show()
  }

  render() {
    this.area.setAttribute('aria-label', say('fileLabel', { name: this.project.file }))
  }

  show() {
    const { area, project } = this
    if (area.value !== project.text) {
      const { selectionStart, selectionEnd } = area
      area.value = project.text
      area.setSelectionRange(selectionStart, selectionEnd)
    }
    this.#number()
  }

  /** Go to a line. @param {number} line from 1 @param {number} [column] */
  reveal(line, column = 1) {
    const lines = this.area.value.split('\n')
    const start = lines.slice(0, line - 1).join('\n').length + (line > 1 ? 1 : 0)
    this.area.focus()
    this.area.setSelectionRange(start + column - 1, start + (lines[line - 1] ?? '').length)
    this.gutter.children[line - 1]?.scrollIntoView({ block: 'center' })
  }

  #number() {
    const count = this.area.value.split('\n').length
    const wrong = new Map(this.project.problems.filter((one) => one.line).map((one) => [one.line, one.message]))
    const key = `${count} ${[...wrong.keys()]}`
    if (key === this.numbered) return
    this.numbered = key
    this.area.rows = count + 1
    this.gutter.replaceChildren(...Array.from({ length: count }, (_, i) => {
      const message = wrong.get(i + 1)
      return make('span', message ? { class: 'bad', title: message } : {}, String(i + 1))
    }))
  }

  /** Tab indents, and Escape gives the key back to moving on. @param {KeyboardEvent} event */
  #key(event) {
    if (event.key === 'Escape') this.free = true
    else if (event.key === 'Tab' && !event.shiftKey && !this.free) {
      event.preventDefault()
      this.area.setRangeText('  ', this.area.selectionStart, this.area.selectionEnd, 'end')
      this.area.dispatchEvent(new Event('input'))
    } else if (event.key !== 'Shift') this.free = event.key === 'Tab' ? this.free : false
  }

  /** Which scene the cursor is in: items of the list under "scenes:", by their dashes. */
  #cursor() {
    const lines = this.area.value.slice(0, this.area.selectionStart).split('\n')
    const start = lines.findIndex((one) => /^scenes\s*:/.test(one))
    if (start < 0) return
    const dashes = lines.slice(start + 1).map((one) => /^(\s*)-\s/.exec(one)?.[1].length ?? -1)
    const least = Math.min(...dashes.filter((one) => one >= 0))
    const number = dashes.filter((one) => one === least).length - 1
    if (number >= 0 && Number.isFinite(least)) this.dispatchEvent(new CustomEvent('scene', { detail: { number } }))
  }
}
