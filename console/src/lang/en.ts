/** The same in English. */
import titles from 'virtual:titles/en'
import { gathered } from './gather'

export default gathered(
  import.meta.glob('../kit/*.en.json', { eager: true, import: 'default' }),
  import.meta.glob('../shop/*/en.json', { eager: true, import: 'default' }),
  titles,
)
