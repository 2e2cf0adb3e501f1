from api.app import wsgi

app = wsgi()
