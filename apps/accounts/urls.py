from __future__ import annotations

from django.urls import path

from apps.accounts import people_views, views

app_name = "accounts"
urlpatterns = [
    path("login/", views.login, name="login"),
    path("logout/", views.logout, name="logout"),
    path("register/", views.register, name="register"),
    path("first/<str:token>/", views.first_admin, name="first_admin"),
    path("set-password/<str:token>/", views.set_password, name="set_password"),
    path("profile/", views.profile, name="profile"),
    path("profile/password/", views.password, name="password"),
    path("profile/tokens/", views.tokens, name="tokens"),
    path("profile/tokens/<int:token_id>/revoke/", views.revoke_token, name="revoke_token"),
    path("people/", people_views.people, name="people"),
    path("people/new/", people_views.create_person, name="create_person"),
    path("people/<int:person_id>/", people_views.person, name="person"),
    path("people/<int:person_id>/link/", people_views.reset_link, name="reset_link"),
    path("people/<int:person_id>/disable/", people_views.disable_person, name="disable_person"),
    path("people/<int:person_id>/enable/", people_views.enable_person, name="enable_person"),
    path(
        "people/<int:person_id>/administrator/",
        people_views.make_administrator,
        name="make_administrator",
    ),
    path(
        "people/<int:person_id>/administrator/remove/",
        people_views.remove_administrator,
        name="remove_administrator",
    ),
    path("audit/", people_views.audit, name="audit"),
]
