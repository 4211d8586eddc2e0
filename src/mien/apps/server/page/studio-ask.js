/** A question in a window of its own. */

import { make } from './dom.js'
import { told } from './studio-api.js'
import { button } from './studio-fields.js'
import { say } from './words.js'

/** A question in a window. @param {string} title @param {string} yes @param {() => Promise<void>} work @param {...HTMLElement} content */
export function ask(title, yes, work, ...content) {
  const words = make('p', { class: 'fault', role: 'alert' })
  const go = make('button', { type: 'submit', class: 'solid' }, say('waitMoment'))
  go.textContent = yes
  const form = make('form', {}, make('h2', {}, title), ...content, words)
  const dialog = make('dialog', { class: 'ask-dialog', 'aria-label': title }, form)
  form.append(make('div', { class: 'ask-tools' }, button(say('cancel'), () => dialog.close(), 'line'), go))
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    go.disabled = true
    go.textContent = say('waitMoment')
    try {
      await work()
    } catch (error) {
      words.textContent = told(error)
    }
    go.disabled = false
    go.textContent = yes
  })
  dialog.addEventListener('close', () => dialog.remove())
  document.body.append(dialog)
  dialog.showModal()
  return dialog
}
