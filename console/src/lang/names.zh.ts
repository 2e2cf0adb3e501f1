/** The words in Chinese for what the server names, from every noun's folder. */
import { sections } from './gather'

export default sections(import.meta.glob(['../office/*/words.zh.json', '../shop/*/words.zh.json'], { eager: true, import: 'default' }))
