"""Alipay as a vendor: the gateway.do protocol (RSA2), its notices and its phone numbers, in Alipay's own words."""
