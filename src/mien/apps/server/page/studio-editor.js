/** A project that is worked on: form, file and preview side by side; on a phone one after the other. */

import { icon, make, recall, remember } from './dom.js'
import { api, told } from './studio-api.js'
import { Drawer } from './studio-assets.js'
import { button, choice, toggle, tool } from './studio-fields.js'
import { FileView } from './studio-file.js'
import { Form } from './studio-form.js'
import { ask } from './studio-ask.js'
import { Preview } from './studio-preview.js'
import { Project } from './studio-project.js'
import { problemWords } from './studio-problems.js'
import { say } from './words.js'

const VIEWS = ['form', 'file', 'look']
const MOST_PROBLEMS = 40

/** Events: "rendered" when a film was queued. */
export class Editor extends EventTarget {
  /** @param {any} info of the project @param {any} offer @param {import('./studio-events.js').StudioEvents} events */
  constructor(info, offer, events) {
    super()
    this.project = new Project(info)
    this.form = new Form(this.project, offer.choices)
    this.file = new FileView(this.project)
    this.preview = new Preview(this.project, (number) => this.#scene(number, 'preview'), events)
    this.events = events
    this.drawer = new Drawer(info.name, offer.limits)
    this.state = make('p', { class: 'save-state', role: 'status' })
    this.problems = make('div', { class: 'problems', role: 'region' })
    this.element = make('div', { class: 'editor' })
    this.element.dataset.view = 'form'
    this.#listen()
    this.render()
    this.drawer.load()
    this.project.begin()
    api.voices().then((voices) => {
      this.form.voices = voices.map((/** @type {any} */ one) => one.name).filter(Boolean).slice(0, 300)
    }).catch(() => {})
  }

  #listen() {
    const { project, form } = this
    project.addEventListener('state', () => this.#state())
    project.addEventListener('problems', () => this.#problems())
    form.addEventListener('scene', (given) => this.#scene(/** @type {CustomEvent} */ (given).detail.number, 'form'))
    form.addEventListener('upload', (given) => this.drawer.choose(/** @type {CustomEvent} */ (given).detail.kind))
    this.told = (/** @type {Event} */ given) => this.#elsewhere(/** @type {CustomEvent} */ (given).detail)
    this.events.addEventListener('project', this.told)
    this.file.addEventListener('scene', (given) => this.#scene(/** @type {CustomEvent} */ (given).detail.number, 'file'))
    this.drawer.addEventListener('change', () => {
      form.assets = this.drawer.assets
      form.render()
      this.preview.key = ''
      this.preview.ask()
      project.begin()
    })
    this.element.addEventListener('keydown', (event) => {
      const meta = event.ctrlKey || event.metaKey
      if (meta && event.key === 's') {
        event.preventDefault()
        project.save()
      }
    })
  }

  render() {
    const { project } = this
    const back = make('a', { class: 'quiet link', href: '#studio', 'aria-label': say('projects'), title: say('projects') })
    back.append(icon('back'))
    const wide = recall('studioFile', 'on') === 'on'
    this.element.classList.toggle('with-file', wide)
    const code = tool('code', say('fileToggle'), () => {
      const on = this.element.classList.toggle('with-file')
      code.setAttribute('aria-pressed', String(on))
      remember('studioFile', on ? 'on' : 'off')
    }, 'quiet code-toggle')
    code.setAttribute('aria-pressed', String(wide))
    const head = make('header', { class: 'editor-head' }, back, make('h2', {}, project.name), this.state,
      make('div', { class: 'head-tools' }, tool('undo', say('undo'), () => project.undo()), tool('redo', say('redo'), () => project.redo()), code,
        button(say('assets'), () => this.drawer.open(), 'line', 'files'), button(say('render'), () => this.#render(), 'solid', 'film')))
    const views = make('div', { class: 'views', role: 'group', 'aria-label': say('views') }, ...VIEWS.map((view) => {
      const one = button(say(`view_${view}`), () => this.#view(view), 'view')
      one.dataset.view = view
      return one
    }))
    this.element.replaceChildren(head, views, make('div', { class: 'columns' },
      make('div', { class: 'column form-column' }, this.form.element),
      make('div', { class: 'column file-column' }, make('p', { class: 'small file-name' }, project.file), this.file.element),
      make('div', { class: 'column look-column' }, this.preview.element, this.problems)))
    this.form.render()
    this.file.render()
    this.preview.render()
    this.drawer.render()
    this.#view(this.element.dataset.view ?? 'form')
    this.#state()
    this.#problems()
  }

  /** The project was changed by somebody else, or on the disk. @param {{name: string, version: string, files: string}} now */
  #elsewhere({ name, version, files }) {
    if (name !== this.project.name || !version) return
    this.project.elsewhere(version)
    if (this.files !== undefined && files !== this.files) this.drawer.load()
    this.files = files
  }

  async close() {
    this.events.removeEventListener('project', this.told)
    this.preview.close()
    this.drawer.close()
    await this.project.close()
  }

  /** @param {string} view */
  #view(view) {
    this.element.dataset.view = view
    for (const one of /** @type {NodeListOf<HTMLElement>} */ (this.element.querySelectorAll('.view'))) one.setAttribute('aria-pressed', String(one.dataset.view === view))
  }

  /** Another scene is looked at. @param {number} number @param {string} by */
  #scene(number, by) {
    this.preview.follow(number)
    if (by !== 'form') this.form.scenes.select(number)
  }

  #state() {
    const { state, trouble } = this.project
    this.state.dataset.state = trouble && state !== 'conflict' ? 'failed' : state
    this.state.replaceChildren(trouble && state !== 'conflict' ? trouble : say(`save_${state}`))
    if (state !== 'conflict') return
    this.state.append(button(say('conflictTheirs'), () => this.project.settle(false)), button(say('conflictMine'), () => this.project.settle(true)))
  }

  #problems() {
    const { problems, seconds } = this.project
    this.problems.setAttribute('aria-label', say('problems'))
    if (!problems.length) {
      this.problems.replaceChildren(make('p', { class: 'fine' }, seconds ? say('problemsNone', { n: Math.round(seconds) }) : ''))
      return
    }
    const rows = problems.slice(0, MOST_PROBLEMS).map((one) => {
      const row = make('button', { type: 'button', class: 'problem' }, make('span', { class: 'figure' }, one.line ? say('lineNumber', { n: one.line }) : ''), make('span', {}, make('b', {}, one.field), ' ', problemWords(one.message)))
      row.addEventListener('click', () => this.#reveal(one))
      return make('li', {}, row)
    })
    this.problems.replaceChildren(make('h3', {}, problems.length === 1 ? say('problemOne') : say('problemCount', { n: problems.length })), make('ul', {}, ...rows))
  }

  /** @param {import('./studio-api.js').Problem} problem */
  #reveal(problem) {
    const narrow = matchMedia('(max-width: 1000px)').matches
    if (problem.field && this.project.readable) {
      if (narrow) this.#view('form')
      this.form.reveal(problem.field)
    } else if (problem.line) {
      if (narrow) this.#view('file')
      else this.element.classList.add('with-file')
      this.file.reveal(problem.line, problem.column)
    }
  }

  #render() {
    const wish = { preset: 'balanced', review: false }
    const presets = /** @type {[string, string][]} */ ([['fast', say('presetFast')], ['balanced', say('presetBalanced')], ['best', say('presetBest')]])
    const dialog = ask(say('render'), say('renderNow'), async () => {
      await this.project.save()
      const [first] = this.project.problems
      if (first) throw new Error(`${first.line ? `${say('lineNumber', { n: first.line })}: ` : ''}${problemWords(first.message)}`)
      if (this.project.state !== 'saved') throw new Error(this.project.trouble || say('save_conflict'))
      const film = await api.render(this.project.name, wish).catch((error) => {
        throw new Error(told(error))
      })
      dialog.close()
      this.dispatchEvent(new CustomEvent('rendered', { detail: film }))
    }, choice({ label: say('preset'), field: 'render.preset', value: wish.preset, options: presets }, (value) => (wish.preset = value)),
    toggle({ label: say('reviewFirst'), field: 'render.review', value: false }, (on) => (wish.review = on)))
  }
}
