/** Every sentence in English. */
import { gathered } from './gather'

export default gathered(
  import.meta.glob('../kit/*.en.json', { eager: true, import: 'default' }),
  import.meta.glob('../{office,shop}/*/en.json', { eager: true, import: 'default' }),
)
