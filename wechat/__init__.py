"""WeChat as a vendor: the mini-program's server calls and WeChat Pay API v3, in WeChat's own words."""
