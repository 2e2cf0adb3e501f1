import { createPinia } from 'pinia'
import { createApp, watch } from 'vue'
import 'element-plus/es/components/base/style/css'
import './styles/main.scss'
import App from './App.vue'
import { ended } from './kit/client'
import { place, root } from './kit/place'
import { theme, wear } from './kit/theme'
import { i18n, preferred, speak } from './lang'
import { router } from './router'

wear(theme.value)
document.documentElement.dataset.entrance = place.entrance
await speak(preferred())
createApp(App).use(createPinia()).use(i18n).use(router).mount('#app')

// A session that ended in the middle of something: sign in, then come back to the same place with the same draft.
watch(ended, (now) => {
  if (!now) return
  ended.value = false
  const back = router.currentRoute.value.fullPath
  if (!back.startsWith(`${root}/sign-in`)) void router.replace({ path: `${root}/sign-in`, query: { back, ended: '1' } })
})
