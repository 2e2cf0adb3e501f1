import type { Wallet } from "./wallet";
// #ifdef MP-WEIXIN
import { wechat } from "./wechat";
// #endif
// #ifdef MP-ALIPAY
import { alipay } from "./alipay";
// #endif
// #ifdef H5
import { h5 } from "./h5";
// #endif

let here: Wallet;
// #ifdef MP-WEIXIN
here = wechat;
// #endif
// #ifdef MP-ALIPAY
here = alipay;
// #endif
// #ifdef H5
here = h5;
// #endif

/** The wallet that this build runs in. */
export const wallet: Wallet = here;

export * from "./wallet";
