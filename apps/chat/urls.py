from __future__ import annotations

from django.urls import path

from apps.chat import api_views, views

app_name = "chat"
urlpatterns = [
    path("", views.index, name="index"),
    path("start/", views.start, name="start"),
    path("sessions/", views.sessions, name="sessions"),
    path("<uuid:session_id>/", views.session, name="session"),
    path("<uuid:session_id>/send/", views.send, name="send"),
    path("<uuid:session_id>/older/", views.older, name="older"),
    path("<uuid:session_id>/rename/", views.rename, name="rename"),
    path("<uuid:session_id>/delete/", views.delete, name="delete"),
    path("messages/<uuid:message_id>/", views.message, name="message"),
    path("messages/<uuid:message_id>/stream/", views.stream, name="stream"),
    path("messages/<uuid:message_id>/stop/", views.stop, name="stop"),
    path("messages/<uuid:message_id>/again/", views.again, name="again"),
    path("messages/<uuid:message_id>/rate/", views.rate, name="rate"),
    path("messages/<uuid:message_id>/trace/", views.trace, name="trace"),
    path("messages/<uuid:message_id>/citations/<int:number>/", views.citation, name="citation"),
    path("attachments/<uuid:attachment_id>/", views.attachment, name="attachment"),
    path("api/sessions/", api_views.api_sessions, name="api_sessions"),
    path("api/sessions/<uuid:session_id>/", api_views.api_session, name="api_session"),
    path("api/sessions/<uuid:session_id>/messages/", api_views.api_messages, name="api_messages"),
]
