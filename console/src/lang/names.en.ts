/** The words in English for what the server names, from every noun's folder. */
import { sections } from './gather'

export default sections(import.meta.glob(['../office/*/words.en.json', '../shop/*/words.en.json'], { eager: true, import: 'default' }))
