/** Every sentence in Chinese: the kit's and, beside each page, the page's own. */
import { gathered } from './gather'

export default gathered(
  import.meta.glob('../kit/*.zh.json', { eager: true, import: 'default' }),
  import.meta.glob('../{office,shop}/*/zh.json', { eager: true, import: 'default' }),
)
